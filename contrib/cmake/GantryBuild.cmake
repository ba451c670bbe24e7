# SPDX-License-Identifier: Apache-2.0
# Flags of every target, and two functions: gy_module() for a room of core/, gy_test() for a suite.
add_library(gy_flags INTERFACE)
target_compile_options(gy_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  -Wstrict-prototypes -Wmissing-prototypes -Wvla -fno-common -fstack-protector-strong)
if(GANTRY_WERROR)
  target_compile_options(gy_flags INTERFACE -Werror)
endif()
target_compile_definitions(gy_flags INTERFACE _GNU_SOURCE GANTRY_VERSION="${PROJECT_VERSION}")
target_include_directories(gy_flags INTERFACE ${CMAKE_SOURCE_DIR}/core ${CMAKE_SOURCE_DIR}/sdk/include
                           ${CMAKE_BINARY_DIR}/generated)
if(GANTRY_SANITIZE)
  target_compile_options(gy_flags INTERFACE -fsanitize=${GANTRY_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(gy_flags INTERFACE -fsanitize=${GANTRY_SANITIZE})
endif()
if(GANTRY_FUZZ)
  target_compile_options(gy_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# gy_module(NAME [LIBS lib...]): every .c file of the folder becomes the static library gy_NAME.
function(gy_module name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  if(NOT sources)
    return()
  endif()
  add_library(gy_${name} STATIC ${sources})
  set_target_properties(gy_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(gy_${name} PUBLIC gy_flags ${ARG_LIBS})
endfunction()

# gy_test(NAME FILE.c GROUP group TIMEOUT seconds LIBS lib...): one CUnit executable, one CTest test.
function(gy_test name source)
  cmake_parse_arguments(ARG "" "GROUP;TIMEOUT" "LIBS;SOURCES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${source} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} CUnit::CUnit gy_flags)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TEST_BUILD_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_GROUP} TIMEOUT ${ARG_TIMEOUT})
endfunction()
