;; Counts the bytes in [$at, $end) of its memory that are equal to $byte: 16 at once, then the rest
;; one by one. count-wasm.ts has it assembled.
(module
  (memory (export "memory") 17) ;; pages of 64 KiB: 1 MiB for a chunk, and some room
  (func (export "count") (param $at i32) (param $end i32) (param $byte i32) (result i32)
    (local $count i32)
    (local $pattern v128)
    (local.set $pattern (i8x16.splat (local.get $byte)))
    (block $few
      (loop $next
        (br_if $few
          (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $count
          (i32.add
            (local.get $count)
            (i32.popcnt
              (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $pattern))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (block $done
      (loop $rest
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $count
          (i32.add
            (local.get $count)
            (i32.eq (i32.load8_u (local.get $at)) (local.get $byte))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $rest)))
    (local.get $count)))
