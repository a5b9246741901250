;; run() = the byte out of the stream, sent on through an async function.
(component
  (type $bytes (stream u8))
  (import "my:flow/feed@1.0.0" (instance $feed
    (export "open" (func (result $bytes)))
    (export "later" (func async (param "n" u32) (result u32)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $bytes-of))
  (core func $open (canon lower (func $feed "open")))
  (core func $later (canon lower (func $feed "later")))
  (core func $read (canon stream.read $bytes async (memory $bytes-of)))
  (core func $drop (canon stream.drop-readable $bytes))
  (core module $m
    (import "mem" "memory" (memory 1))
    (import "in" "open" (func $open (result i32)))
    (import "in" "later" (func $later (param i32) (result i32)))
    (import "in" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "in" "drop" (func $drop (param i32)))
    (func (export "run") (result i32) (local $end i32)
      (local.set $end (call $open))
      (if (i32.ne (call $read (local.get $end) (i32.const 0) (i32.const 1)) (i32.const 0x10))
        (then unreachable)) ;; one byte, completed
      (call $drop (local.get $end))
      (call $later (i32.load8_u (i32.const 0)))))
  (core instance $c (instantiate $m
    (with "mem" (instance $mem))
    (with "in" (instance
      (export "open" (func $open)) (export "later" (func $later))
      (export "read" (func $read)) (export "drop" (func $drop))))))
  (type $run (func async (result u32)))
  (func (export "run") (type $run) (canon lift (core func $c "run"))))
