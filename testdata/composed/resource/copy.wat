;; Gives the index with items of its own.
(component
  (type $item (resource (rep i32)))
  (core func $new (canon resource.new $item))
  (core module $m
    (import "in" "new" (func $new (param i32) (result i32)))
    (func (export "find") (result i32) (call $new (i32.const 7))))
  (core instance $c (instantiate $m (with "in" (instance (export "new" (func $new))))))
  (func $find (result (own $item)) (canon lift (core func $c "find")))
  (component $shell
    (import "item" (type $t (sub resource)))
    (import "find" (func $find (result (own $t))))
    (export $item "item" (type $t))
    (export "find" (func $find) (func (result (own $item)))))
  (instance $index (instantiate $shell (with "item" (type $item)) (with "find" (func $find))))
  (export "my:shop/index@1.0.0" (instance $index)))
