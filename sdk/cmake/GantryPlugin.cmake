# SPDX-License-Identifier: Apache-2.0
# gantry_add_plugin(NAME SOURCES file... [LIBS lib...]): NAME.so, a shared object with one exported symbol.
#
#   no `lib` prefix; symbols hidden but gantry_plugin_entry; every undefined symbol is an error now, not at a call
#   GANTRY_PLUGIN_OUTPUT_DIRECTORY  where it is built, if set
#   GANTRY_PLUGIN_INSTALL_DIR       where it is installed; empty: it is not
#
# The same file serves the tree of gantry and an installed SDK.
set(_gantry_plugin_map ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
if(NOT DEFINED GANTRY_PLUGIN_INSTALL_DIR)
  include(GNUInstallDirs)
  set(GANTRY_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/gantry/plugins)
endif()

function(gantry_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gantry_add_plugin(NAME SOURCES file... [LIBS lib...]), not \"${ARGN}\"")
  endif()
  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON LINK_DEPENDS ${_gantry_plugin_map})
  if(GANTRY_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${GANTRY_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_link_libraries(${name} PRIVATE Gantry::sdk ${ARG_LIBS})
  target_link_options(${name} PRIVATE -Wl,--version-script=${_gantry_plugin_map} -Wl,-z,now)
  if(NOT GANTRY_SANITIZE) # a sanitizer's runtime comes with the program that loads the plugin
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  if(GANTRY_PLUGIN_INSTALL_DIR)
    install(TARGETS ${name} LIBRARY DESTINATION ${GANTRY_PLUGIN_INSTALL_DIR})
  endif()
endfunction()
