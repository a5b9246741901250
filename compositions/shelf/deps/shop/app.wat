;; Finds an item with one, and has it shown by another.
(component
  (import "my:shop/shelf@1.0.0" (instance $shelf
    (export "item" (type $t (sub resource)))
    (export "make" (func (param "n" u32) (result (own $t))))
    (export "[method]item.read" (func (param "self" (borrow $t)) (result u32)))))
  (alias export $shelf "item" (type $item))
  (import "my:shop/index@1.0.0" (instance $index
    (export "item" (type $i (eq $item)))
    (export "find" (func (result (own $i))))))
  (import "my:shop/page@1.0.0" (instance $page
    (export "item" (type $i (eq $item)))
    (export "show" (func (param "i" (own $i)) (result u32)))))
  (core func $find (canon lower (func $index "find")))
  (core func $show (canon lower (func $page "show")))
  (core module $m
    (import "in" "find" (func $find (result i32)))
    (import "in" "show" (func $show (param i32) (result i32)))
    (func (export "run") (result i32) (call $show (call $find))))
  (core instance $c (instantiate $m (with "in" (instance
    (export "find" (func $find)) (export "show" (func $show))))))
  (func (export "run") (result u32) (canon lift (core func $c "run"))))
