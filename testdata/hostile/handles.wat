;; Makes resources and drops none.
(component
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core module $m
    (import "host" "new" (func $new (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (result i32)
      (loop $again (drop (call $new (i32.const 1))) (br $again))
      (unreachable)))
  (core instance $host (export "new" (func $new)))
  (core instance $i (instantiate $m (with "host" (instance $host))))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
