/** Room `object-store`: data objects, where their bytes are, and their serialized forms. */
export { arrayObject } from "./arrays.js";
export { writeCheckpoint, writeObjectFile } from "./checkpoint.js";
export { type ClientForm, clientForm } from "./client-form.js";
export { openFile, storedPlain } from "./file-objects.js";
export { allocateBytes, copyBytes, copyInto, plainObject } from "./memory-plain.js";
export {
  FileNotHereError,
  fromNative,
  type NativeOptions,
  nativeBody,
  nativeBodyBytes,
  nativeHeader,
} from "./native-form.js";
export * from "./objects.js";
export { type BytesPlace, placeOf } from "./places.js";
export { isInMemory, readChunks } from "./reading.js";
export { ObjectStore } from "./store.js";
export type { ValueType, ValueTypes } from "./value-type.js";
export { estimatedSizeOf, liveValue, valueObject } from "./values.js";
export { indexObject } from "./views.js";
