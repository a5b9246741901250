(component
  (core module $m
    (func (export "get") (result i32) (i32.const 1))
  )
  (core instance $c (instantiate $m))
  (func $e0-get (result u32) (canon lift (core func $c "get")))
  (instance (export "my:chain/three@1.0.0") (export "get" (func $e0-get))))
