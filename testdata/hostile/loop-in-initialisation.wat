;; Never comes to life either, and less plainly: a component inside it calls a function of another while
;; it is instantiated, and that one does not return.
(component
  (component $lazy
    (core module $m (func (export "wait") (loop $again (br $again))))
    (core instance $i (instantiate $m))
    (func (export "wait") (canon lift (core func $i "wait"))))
  (component $eager
    (import "wait" (func $wait))
    (core func $lowered (canon lower (func $wait)))
    (core module $m
      (import "host" "wait" (func $wait))
      (memory (export "memory") 1)
      (start $wait)
      (func (export "run") (result i32) (i32.const 0)))
    (core instance $host (export "wait" (func $lowered)))
    (core instance $i (instantiate $m (with "host" (instance $host))))
    (func (export "run") (result string)
      (canon lift (core func $i "run") (memory $i "memory"))))
  (instance $a (instantiate $lazy))
  (instance $b (instantiate $eager (with "wait" (func $a "wait"))))
  (export "run" (func $b "run")))
