;; Returns as it should, and traps when its host lets go of the result.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32) (i32.const 0))
    (func (export "cleanup") (param i32) (unreachable)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory")
      (post-return (func $i "cleanup")))))
