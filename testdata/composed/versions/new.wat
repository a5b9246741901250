(component
  (core module $m
    (func (export "get") (result i32) (i32.const 2))
    (func (export "put") (result i32) (i32.const 3))
  )
  (core instance $c (instantiate $m))
  (func $e0-get (result u32) (canon lift (core func $c "get")))
  (func $e0-put (result u32) (canon lift (core func $c "put")))
  (instance (export "my:versions/store@1.2.0") (export "get" (func $e0-get)) (export "put" (func $e0-put))))
