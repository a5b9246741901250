;; Its function does not return.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32) (loop $again (br $again)) (unreachable)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
