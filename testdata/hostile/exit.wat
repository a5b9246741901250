;; Ends its process in the middle of a call, and says that all went well.
(component
  (import "wasi:cli/exit@0.2.0" (instance $wasi
    (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $wasi "exit")))
  (core module $m
    (import "host" "exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "run") (result i32) (call $exit (i32.const 0)) (i32.const 0)))
  (core instance $host (export "exit" (func $exit)))
  (core instance $i (instantiate $m (with "host" (instance $host))))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
