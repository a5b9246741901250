;; The same names, and `later` is no async function.
(component
  (type $bytes (stream u8))
  (core func $new (canon stream.new $bytes))
  (core module $m
    (import "in" "new" (func $new (result i64)))
    (func (export "open") (result i32) (i32.wrap_i64 (call $new)))
    (func (export "later") (param i32) (result i32) (local.get 0)))
  (core instance $c (instantiate $m (with "in" (instance (export "new" (func $new))))))
  (func $open (result $bytes) (canon lift (core func $c "open")))
  (func $later (param "n" u32) (result u32) (canon lift (core func $c "later")))
  (instance (export "my:flow/feed@1.0.0")
    (export "open" (func $open))
    (export "later" (func $later))))
