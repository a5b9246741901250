;; Built against 1.2.0, and calls what 1.0.0 does not have.
(component
  (import "my:versions/store@1.2.0" (instance $i0 (export "get" (func (result u32))) (export "put" (func (result u32)))))
  (core func $i0-get (canon lower (func $i0 "get")))
  (core func $i0-put (canon lower (func $i0 "put")))
  (core module $m
    (import "in" "i0-get" (func $i0-get (result i32)))
    (import "in" "i0-put" (func $i0-put (result i32)))
    (func (export "put") (result i32) (i32.add (call $i0-get) (call $i0-put)))
  )
  (core instance $c (instantiate $m (with "in" (instance (export "i0-get" (func $i0-get)) (export "i0-put" (func $i0-put))))))
  (func $e0-put (result u32) (canon lift (core func $c "put")))
  (instance (export "my:versions/use@1.0.0") (export "put" (func $e0-put))))
