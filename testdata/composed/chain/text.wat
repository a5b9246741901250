;; Gives the last link another type.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "get") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (alias core export $c "memory" (core memory $memory))
  (func $get (result string) (canon lift (core func $c "get") (memory $memory)))
  (instance (export "my:chain/three@1.0.0") (export "get" (func $get))))
