; What an editor colours, by the names of captures that Neovim and Helix share.
(comment) @comment
(string) @string
(number) @number
(duration) @number
(boolean) @constant.builtin
(keyword) @keyword
(operator) @operator
(relation) @keyword.operator
(function) @function.builtin
(owner) @keyword
(binding) @variable
(annotation "@" @attribute (name) @attribute)
(argument (name) @constant)
(path) @variable.member
((path) @constant.builtin
  (#match? @constant.builtin "^(span|trace|event|link|scope|resource)[.]"))
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," "."] @punctuation.delimiter
