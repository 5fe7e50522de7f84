# The kernels, once per instruction set. recurra_add_targets(NAME SUFFIX LIST) adds the objects NAME_scalar, NAME_avx2, …,
# of engine/dispatch/target.cpp, each in the namespace recurra::<target>SUFFIX, with the cells of LIST.

set(RECURRA_TARGETS scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND RECURRA_TARGETS avx2 avx512)
endif()

set(RECURRA_FLAGS_scalar "")
set(RECURRA_FLAGS_avx2 -mavx2 -mfma)
set(RECURRA_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma)

# Contraction would make bits depend on the context of an expression. Without exceptions, run-time types and library
# calls the objects share no symbol. A debug build optimises kernels too: unoptimised they take minutes to test.
set(RECURRA_KERNEL_FLAGS -O2 -ffp-contract=off -fno-lto -fno-exceptions -fno-rtti -fno-math-errno -fno-trapping-math
                         -fno-stack-protector -U_FORTIFY_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes masked intrinsics for reads of uninitialised registers.
  list(APPEND RECURRA_KERNEL_FLAGS -fno-tree-loop-distribute-patterns -Wno-maybe-uninitialized -Wno-uninitialized)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND RECURRA_SANITIZE MATCHES "address")
  # Checked inline, the unrolled tiles compile for minutes.
  list(APPEND RECURRA_KERNEL_FLAGS --param=asan-instrumentation-with-call-threshold=0)
endif()

# Headers that follow from a list of cells, so that a cell is one line of it. Beside LIST (a path in the source tree), but
# in RECURRA_GENERATED: cells.h includes the cells, cell_references.h the references of the tests.
set(RECURRA_GENERATED ${PROJECT_BINARY_DIR}/generated)
function(recurra_generate_cell_headers list)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${list})
  cmake_path(GET list PARENT_PATH folder)
  set(cells "")
  set(references "")
  file(STRINGS ${PROJECT_SOURCE_DIR}/${list} lines REGEX "^RECURRA_CELL")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^RECURRA_CELL\\(([a-z0-9_]+), [A-Za-z0-9]+\\)$")
      message(FATAL_ERROR "${list}: expected RECURRA_CELL(folder, Struct), got ${line}")
    endif()
    string(APPEND cells "#include \"${folder}/${CMAKE_MATCH_1}/${CMAKE_MATCH_1}.h\"\n")
    string(APPEND references "#include \"${folder}/${CMAKE_MATCH_1}/${CMAKE_MATCH_1}_reference.h\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${RECURRA_GENERATED}/${folder}/cells.h CONTENT "#pragma once\n\n${cells}")
  file(CONFIGURE OUTPUT ${RECURRA_GENERATED}/${folder}/cell_references.h CONTENT "#pragma once\n\n${references}")
endfunction()

# A source of target code as the objects NAME_<target>, each in the namespace recurra::<target>SUFFIX.
function(recurra_add_target_objects name suffix source)
  foreach(target IN LISTS RECURRA_TARGETS)
    add_library(${name}_${target} OBJECT ${source})
    target_compile_definitions(${name}_${target} PRIVATE RECURRA_TARGET_NAME=${target}${suffix} RECURRA_TARGET_TEXT="${target}")
    string(TOUPPER ${target} upper)
    target_compile_definitions(${name}_${target} PRIVATE RECURRA_TARGET_${upper})
    target_compile_options(${name}_${target} PRIVATE ${RECURRA_KERNEL_FLAGS} ${RECURRA_FLAGS_${target}})
    target_include_directories(${name}_${target} PRIVATE ${PROJECT_SOURCE_DIR} ${RECURRA_GENERATED})
    # Checked for undefined behaviour, tiles take twice as long. Their indices come from the engine, which is checked.
    target_link_libraries(${name}_${target} PRIVATE recurra_options recurra_address_only)
    set_target_properties(${name}_${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endforeach()
endfunction()

function(recurra_add_targets name suffix list)
  recurra_generate_cell_headers(${list})
  cmake_path(GET list PARENT_PATH folder)
  recurra_add_target_objects(${name} "${suffix}" ${PROJECT_SOURCE_DIR}/recurra/engine/dispatch/target.cpp)
  foreach(target IN LISTS RECURRA_TARGETS)
    target_compile_definitions(${name}_${target} PRIVATE RECURRA_CELL_HEADERS="${folder}/cells.h" RECURRA_CELL_LIST="${list}")
  endforeach()
endfunction()

# A header with a line RECURRA_TARGET_LINE(<target>) for each: PATH as it is included.
function(recurra_generate_target_list path)
  list(TRANSFORM RECURRA_TARGETS REPLACE "(.+)" "RECURRA_TARGET_LINE(\\1)\n" OUTPUT_VARIABLE lines)
  list(JOIN lines "" lines)
  file(CONFIGURE OUTPUT ${RECURRA_GENERATED}/${path} CONTENT "${lines}")
endfunction()
