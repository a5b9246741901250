;; Takes tables without end.
(component
  (core module $m
    (memory (export "memory") 1)
    (table $t 1 funcref)
    (func (export "run") (result i32)
      (loop $again
        (br_if $again
          (i32.ne (table.grow $t (ref.null func) (i32.const 4096)) (i32.const -1))))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
