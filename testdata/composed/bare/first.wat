;; A world of bare functions: `entry` is a record of one number.
(component
  (type $record (record (field "code" u32)))
  (import "entry" (type $entry (eq $record)))
  (core module $m
    (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "also") (param i32) (result i32) (i32.add (local.get 0) (i32.const 2))))
  (core instance $c (instantiate $m))
  (func (export "run") (param "e" $entry) (result u32) (canon lift (core func $c "run")))
  (func (export "also") (param "e" $entry) (result u32) (canon lift (core func $c "also"))))
