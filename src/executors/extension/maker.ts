/** What extensions make values with, `value` and `wrap`: one for each extension. */
import { serialize } from "node:v8";
import { messageOf } from "../../base/index.js";
import type { Extension, ValueMaker } from "../../extensions/index.js";
import type { Data } from "../../functions/index.js";
import { liveValue, plainObject, type ValueTypes, valueObject } from "../../object-store/index.js";
import { ObjectData } from "./object-data.js";

/** @param types of values, those of the extension among them */
export function makerOf({ prefix, dataTypes }: Extension, types: ValueTypes): ValueMaker {
  return {
    value(name, value) {
      const symbol = `${prefix}/${name}`;
      const type = dataTypes.has(symbol) ? types.get(symbol) : undefined;
      if (type === undefined) {
        const known = [...dataTypes.keys()].map((key) => key.slice(prefix.length + 1)).join(", ");
        throw new TypeError(
          `value("${String(name)}"): extension "${prefix}" has ${known === "" ? "no data types" : `only the data types ${known}`}`,
        );
      }
      return new ObjectData(liveValue(type, value)) as unknown as Data<never>;
    },
    wrap: wrap as ValueMaker["wrap"],
  };
}

function wrap(value: unknown): ObjectData {
  if (value instanceof ObjectData) return value;
  try {
    return new ObjectData(valueObject("loom/jsobj", plainObject(serialize(value))));
  } catch (error) {
    throw new TypeError(
      `wrap can't clone the value: ${messageOf(error)}; of Data in it take bytes(), text(), json() or unwrap()`,
      { cause: error },
    );
  }
}
