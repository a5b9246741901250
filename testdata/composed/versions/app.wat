;; Built against 1.0.0.
(component
  (import "my:versions/store@1.0.0" (instance $i0 (export "get" (func (result u32)))))
  (import "my:versions/use@1.0.0" (instance $i1 (export "put" (func (result u32)))))
  (core func $i0-get (canon lower (func $i0 "get")))
  (core func $i1-put (canon lower (func $i1 "put")))
  (core module $m
    (import "in" "i0-get" (func $i0-get (result i32)))
    (import "in" "i1-put" (func $i1-put (result i32)))
    (func (export "run") (result i32) (i32.add (i32.mul (call $i0-get) (i32.const 10)) (call $i1-put)))
  )
  (core instance $c (instantiate $m (with "in" (instance (export "i0-get" (func $i0-get)) (export "i1-put" (func $i1-put))))))
  (func (export "run") (result u32) (canon lift (core func $c "run"))))
