/** Room `object-store`: data objects, where their bytes are, and their serialized forms. */
export * from "./objects.js";
