(component
  (import "my:app/store@1.0.0" (instance $i0 (export "get" (func (result u32)))))
  (core func $i0-get (canon lower (func $i0 "get")))
  (core module $m
    (import "in" "i0-get" (func $i0-get (result i32)))
    (func (export "get") (result i32) (i32.add (i32.mul (call $i0-get) (i32.const 10)) (i32.const 4)))
  )
  (core instance $c (instantiate $m (with "in" (instance (export "i0-get" (func $i0-get))))))
  (func $e0-get (result u32) (canon lift (core func $c "get")))
  (instance (export "my:app/store@1.0.0") (export "get" (func $e0-get))))
