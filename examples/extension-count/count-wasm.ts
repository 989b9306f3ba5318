/**
 * Counts bytes in WebAssembly, 16 at once. The module is count.wat, assembled; a tool like `wat2wasm`
 * gives the same bytes.
 */
const MODULE = `
0061736d 01000000                     \\0asm, version 1
01 08 01 60 03 7f 7f 7f 01 7f         type 0: (i32, i32, i32) -> i32
03 02 01 00                           function 0 is of type 0
05 03 01 00 11                        memory 0: 17 pages
07 12 02                              2 exports:
   06 6d656d6f7279 02 00                "memory" is memory 0
   05 636f756e74 00 00                  "count" is function 0
0a 5e 01 5c                           code of 1 function
   02 01 7f 01 7b                       locals: 3 $count i32, 4 $pattern v128
   20 02 fd 0f 21 04                    $pattern = splat($byte)
   02 40 03 40                          block $few, loop $next
      20 00 41 10 6a 20 01 4b 0d 01       to the end of $few if $at + 16 > $end
      20 03                               $count +
      20 00 fd 00 04 00                     v128.load($at)
      20 04 fd 23 fd 64 69 6a               == $pattern, bitmask, popcnt, add
      21 03                               = $count
      20 00 41 10 6a 21 00                $at = $at + 16
      0c 00 0b 0b                         to $next; end, end
   02 40 03 40                          block $done, loop $rest
      20 00 20 01 4f 0d 01                to the end of $done if $at >= $end
      20 03                               $count +
      20 00 2d 00 00 20 02 46 6a            (load8_u($at) == $byte)
      21 03                               = $count
      20 00 41 01 6a 21 00                $at = $at + 1
      0c 00 0b 0b                         to $rest; end, end
   20 03 0b                             $count, end
`;

/** What is used of it: Node's types do not have it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

interface CountModule {
  memory: { readonly buffer: ArrayBuffer };
  count(start: number, end: number, byte: number): number;
}

const { memory, count } = load();
const room = new Uint8Array(memory.buffer);

/** WebAssembly sees only its own memory: the bytes are copied there, a piece at a time. */
export function countWasm(bytes: Uint8Array, byte: number): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += room.length) {
    const piece = bytes.subarray(at, at + room.length);
    room.set(piece);
    total += count(0, piece.length, byte);
  }
  return total;
}

function load(): CountModule {
  // Each line: bytes in hexadecimal, in words that are parted by one space, then what they mean.
  const words = MODULE.split("\n").flatMap((line) => line.trim().split(/ {2,}/)[0].split(" "));
  const module = new WebAssembly.Module(Buffer.from(words.join(""), "hex"));
  return new WebAssembly.Instance(module).exports as CountModule;
}
