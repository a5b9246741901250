;; Gives a stream of one byte that it has begun to write, and answers asynchronously.
(component
  (type $bytes (stream u8))
  (core module $memory (memory (export "memory") 1) (data (i32.const 16) "\2a"))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $bytes-of))
  (core func $new (canon stream.new $bytes))
  (core func $write (canon stream.write $bytes async (memory $bytes-of)))
  (core func $return (canon task.return (result u32)))
  (core module $m
    (import "in" "new" (func $new (result i64)))
    (import "in" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "in" "return" (func $return (param i32)))
    (func (export "open") (result i32) (local $ends i64)
      (local.set $ends (call $new))
      ;; The writable end is the upper half; nobody reads yet, and so the write is pending.
      (drop (call $write
        (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 16) (i32.const 1)))
      (i32.wrap_i64 (local.get $ends)))
    (func (export "later") (param i32) (result i32)
      (call $return (i32.add (local.get 0) (i32.const 100)))
      (i32.const 0)) ;; EXIT
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
  (core instance $c (instantiate $m (with "in" (instance
    (export "new" (func $new)) (export "write" (func $write)) (export "return" (func $return))))))
  (func $open (result $bytes) (canon lift (core func $c "open")))
  (alias core export $c "callback" (core func $callback))
  (type $later (func async (param "n" u32) (result u32)))
  (func $later (type $later)
    (canon lift (core func $c "later") async (callback $callback)))
  (instance (export "my:flow/feed@1.0.0")
    (export "open" (func $open))
    (export "later" (func $later))))
