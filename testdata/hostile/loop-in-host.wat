;; Keeps its host busy and runs next to no instructions of its own: each call wants a megabyte of random bytes.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $libc
    (memory (export "memory") 32)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $get
    (canon lower (func $random "get-random-bytes")
      (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $m
    (import "host" "get" (func $get (param i64 i32)))
    (func (export "run") (result i32)
      (loop $again
        (call $get (i64.const 1000000) (i32.const 0))
        (br $again))
      (unreachable)))
  (core instance $host (export "get" (func $get)))
  (core instance $i (instantiate $m (with "host" (instance $host))))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $libc "memory"))))
