;; Takes all the memory that there is, in parts that are modest one by one.
(component
  (core module $m
    (memory (export "memory") 1024)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance (instantiate $m))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
