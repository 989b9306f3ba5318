/**
 * Resource requests of a plan, from their bytes. Few differ in a plan, so generated code reads them.
 * Owns the shape (one level of alternatives, finite amounts, no more than the record has room for that
 * tells workers of it); which amounts make sense is for the server. Called by plan-decoder.ts.
 */
import { isFieldSet } from "@bufbuild/protobuf";
import { ProtocolError } from "../base/index.js";
import {
  type ResourceRequest,
  ResourceRequestSchema,
  ResourceSchema,
} from "./generated/loom_pb.js";
import { decodeMessage } from "./generated-codec.js";
import type { PlanResource, PlanResourceRequest } from "./plan-columns.js";

const MAX_ALTERNATIVES = 64;
const MAX_RESOURCES = 255;
const MAX_INDICES = 255;
const MAX_INDEX_LENGTH = 64;

/** Throws a ProtocolError when it is malformed. */
export function decodePlanResourceRequest(bytes: Uint8Array): PlanResourceRequest {
  const message = decodeMessage(ResourceRequestSchema, bytes);
  checkCount(message.alternatives.length, MAX_ALTERNATIVES, "alternatives");
  return {
    resources: planResources(message),
    alternatives: message.alternatives.map((alternative) => {
      if (alternative.alternatives.length > 0) {
        throw new ProtocolError("malformed ResourceRequest: an alternative has alternatives");
      }
      return { resources: planResources(alternative), alternatives: [] };
    }),
  };
}

function planResources(message: ResourceRequest): PlanResource[] {
  checkCount(message.resources.length, MAX_RESOURCES, "resources");
  const indexCount = message.resources.reduce((sum, { indices }) => sum + indices.length, 0);
  checkCount(indexCount, MAX_INDICES, "indices");
  return message.resources.map((resource) => {
    const { resourceType: symbol, indices } = resource;
    const value = isFieldSet(resource, ResourceSchema.field.amount)
      ? resource.amount
      : resource.value;
    if (!Number.isFinite(value)) {
      throw new ProtocolError(`malformed Resource: an amount of ${value}`);
    }
    for (const index of indices) {
      if (index === "" || index.length > MAX_INDEX_LENGTH) {
        throw new ProtocolError(
          `malformed Resource: an index of ${index.length} characters, not 1 to ${MAX_INDEX_LENGTH}`,
        );
      }
    }
    const name = isFieldSet(resource, ResourceSchema.field.name) ? resource.name : undefined;
    return { symbol, name, value, indices };
  });
}

function checkCount(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new ProtocolError(
    `malformed ResourceRequest: ${count} ${what}, at most ${most} are possible`,
  );
}
