/**
 * Decoding by generated code with our errors: what the library throws, and missing
 * required fields (which it lets pass), become a ProtocolError. Called by the other files
 * of this room.
 */
import {
  type DescMessage,
  fromBinary,
  isFieldSet,
  isMessage,
  type MessageShape,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { messageOf, ProtocolError } from "../base/index.js";

/** Decodes `bytes`; throws a ProtocolError "malformed NAME: REASON". */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  let message: MessageShape<Desc>;
  try {
    message = fromBinary(schema, bytes);
  } catch (error) {
    throw new ProtocolError(`malformed ${schema.name}: ${messageOf(error)}`, { cause: error });
  }
  const missing = findMissingField(schema, message);
  if (missing !== undefined) {
    // A value that an enum doesn't know is kept aside by the library: the field looks unset.
    throw new ProtocolError(`malformed ${schema.name}: ${missing} is missing or unknown`);
  }
  return message;
}

/** Path of the first required field that is not set, here or in a nested message. */
function findMissingField<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string | undefined {
  for (const field of schema.fields) {
    if (!isFieldSet(message, field)) {
      if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return field.name;
      continue;
    }
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    const nested = field.message;
    if (nested === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      if (!isMessage(item, nested)) continue;
      const missing = findMissingField(nested, item);
      if (missing !== undefined) return `${field.name}.${missing}`;
    }
  }
  return undefined;
}
