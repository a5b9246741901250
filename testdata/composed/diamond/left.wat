(component
  (import "my:diamond/counter@1.0.0" (instance $i0 (export "next" (func (result u32)))))
  (core func $i0-next (canon lower (func $i0 "next")))
  (core module $m
    (import "in" "i0-next" (func $i0-next (result i32)))
    (func (export "get") (result i32) (call $i0-next))
  )
  (core instance $c (instantiate $m (with "in" (instance (export "i0-next" (func $i0-next))))))
  (func $e0-get (result u32) (canon lift (core func $c "get")))
  (instance (export "my:diamond/left@1.0.0") (export "get" (func $e0-get))))
