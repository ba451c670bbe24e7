# SPDX-License-Identifier: Apache-2.0
# gantry_add_plugin(NAME SOURCES file... [LIBS lib...]): a shared object with one exported symbol.
set(_gantry_plugin_map ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
function(gantry_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden LINK_DEPENDS ${_gantry_plugin_map})
  if(GANTRY_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${GANTRY_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_link_options(${name} PRIVATE -Wl,--version-script=${_gantry_plugin_map} -Wl,-z,now)
  if(NOT GANTRY_SANITIZE) # a sanitizer's runtime comes with the program that loads the plugin
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
