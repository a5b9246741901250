;; Here `entry` is what the host's `log` takes.
(component
  (type $line (record (field "level" u32) (field "code" u32)))
  (import "entry" (type $entry (eq $line)))
  (import "log" (func $log (param "e" $entry)))
  (type $record (record (field "code" u32)))
  (import "before" (type $before (eq $record)))
  (import "run" (func $run (param "e" $before) (result u32)))
  (core func $run' (canon lower (func $run)))
  (core func $log' (canon lower (func $log)))
  (core module $m
    (import "in" "run" (func $run (param i32) (result i32)))
    (import "in" "log" (func $log (param i32 i32)))
    (func (export "finish") (result i32)
      (call $log (i32.const 1) (i32.const 2))
      (call $run (i32.const 4))))
  (core instance $c (instantiate $m (with "in" (instance
    (export "run" (func $run')) (export "log" (func $log'))))))
  (func (export "finish") (result u32) (canon lift (core func $c "finish"))))
