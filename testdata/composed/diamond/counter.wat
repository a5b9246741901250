(component
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (global.get $n))
  )
  (core instance $c (instantiate $m))
  (func $e0-next (result u32) (canon lift (core func $c "next")))
  (instance (export "my:diamond/counter@1.0.0") (export "next" (func $e0-next))))
