;; run() = 10 * left + right: 12 where both count on one counter, 11 where each has its own.
(component
  (import "my:diamond/left@1.0.0" (instance $i0 (export "get" (func (result u32)))))
  (import "my:diamond/right@1.0.0" (instance $i1 (export "get" (func (result u32)))))
  (core func $i0-get (canon lower (func $i0 "get")))
  (core func $i1-get (canon lower (func $i1 "get")))
  (core module $m
    (import "in" "i0-get" (func $i0-get (result i32)))
    (import "in" "i1-get" (func $i1-get (result i32)))
    (func (export "run") (result i32) (i32.add (i32.mul (call $i0-get) (i32.const 10)) (call $i1-get)))
  )
  (core instance $c (instantiate $m (with "in" (instance (export "i0-get" (func $i0-get)) (export "i1-get" (func $i1-get))))))
  (func (export "run") (result u32) (canon lift (core func $c "run"))))
