;; Never comes to life: its start function does not return.
(component
  (core module $m
    (memory (export "memory") 1)
    (func $start (loop $again (br $again)))
    (start $start)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
