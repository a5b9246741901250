;; Here `entry` is two numbers.
(component
  (type $pair (record (field "x" u32) (field "y" u32)))
  (import "entry" (type $entry (eq $pair)))
  (type $record (record (field "code" u32)))
  (import "before" (type $before (eq $record)))
  (import "run" (func $run (param "e" $before) (result u32)))
  (core func $run' (canon lower (func $run)))
  (core module $m
    (import "in" "run" (func $run (param i32) (result i32)))
    (func (export "start") (param i32 i32) (result i32)
      (call $run (i32.mul (local.get 0) (local.get 1)))))
  (core instance $c (instantiate $m (with "in" (instance (export "run" (func $run'))))))
  (func (export "start") (param "e" $entry) (result u32) (canon lift (core func $c "start"))))
