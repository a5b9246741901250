;; Takes all the memory that there is.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32)
      (loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
