# Writes files as one C table, rows of a name and a text: cmake -DOUT=FILE -DFILES=a.yaml,b.yaml -DHEADER=server/…h
# "-DTABLE=const type name[]" -P texts.cmake
cmake_minimum_required(VERSION 3.21)
string(REPLACE "," ";" FILES "${FILES}")
set(TEXTS "")
set(ROWS "")
set(NUMBER 0)
foreach(FILE IN LISTS FILES)
  get_filename_component(NAME "${FILE}" NAME_WE)
  file(READ "${FILE}" BYTES HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," BYTES "${BYTES}")
  string(APPEND TEXTS "static const char text_${NUMBER}[] = {${BYTES}};\n")
  string(APPEND ROWS "    {\"${NAME}\", {text_${NUMBER}, sizeof text_${NUMBER}}},\n")
  math(EXPR NUMBER "${NUMBER} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by texts.cmake from distribution. */\n"
  "#include \"${HEADER}\"\n\n${TEXTS}\n${TABLE} = {\n${ROWS}    {0}};\n")
