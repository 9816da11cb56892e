# SPDX-License-Identifier: Apache-2.0
set(CC_VIEWS ${PROJECT_BINARY_DIR}/floors)
set(CC_GENERATED ${PROJECT_BINARY_DIR}/generated)
set(CC_ALL_FLOORS "")   # every floor declared
set(CC_FLOORS "")       # those that have code
set(CC_FLOOR_TABLE "")  # one line per floor: its name and what it may include

# A view is a folder with symbolic links to the header folders of some floors.
function(cc_view name)
  set(view ${CC_VIEWS}/${name}/cc)
  file(MAKE_DIRECTORY ${view})
  file(GLOB links LIST_DIRECTORIES true ${view}/*)
  foreach(link IN LISTS links)
    get_filename_component(floor ${link} NAME)
    if(NOT floor IN_LIST ARGN)
      file(REMOVE ${link})
    endif()
  endforeach()
  foreach(floor IN LISTS ARGN)
    if(NOT IS_SYMLINK ${view}/${floor})
      file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/cc/${floor} ${view}/${floor} SYMBOLIC)
    endif()
  endforeach()
endfunction()

# cc_floor(name ON lower floors… LIBS foreign targets… GENERATED files…)
# The sources are src/<name>/*.c. A floor without any is left out until it has one.
function(cc_floor name)
  cmake_parse_arguments(F "" "" "ON;LIBS;GENERATED" ${ARGN})
  cc_view(${name} ${name} ${F_ON})
  set(CC_ALL_FLOORS ${CC_ALL_FLOORS} ${name} PARENT_SCOPE)
  list(JOIN F_ON " " on)
  set(CC_FLOOR_TABLE "${CC_FLOOR_TABLE}${name}: ${on}\n" PARENT_SCOPE)

  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  list(FILTER sources EXCLUDE REGEX "/src/daemon/main\\.c$")
  if(NOT sources)
    message(STATUS "floor ${name}: no source yet, left out")
    return()
  endif()
  set(CC_FLOORS ${CC_FLOORS} ${name} PARENT_SCOPE)

  add_library(cc_${name} STATIC ${sources} ${F_GENERATED})
  target_include_directories(cc_${name} PRIVATE ${CC_VIEWS}/${name})
  if("model" IN_LIST F_ON OR name STREQUAL "model")
    target_include_directories(cc_${name} PRIVATE ${CC_GENERATED})
    add_dependencies(cc_${name} cc_generated)
  endif()
  set(below "")
  foreach(floor IN LISTS F_ON)
    if(floor IN_LIST CC_FLOORS)
      list(PREPEND below cc_${floor})
    endif()
  endforeach()
  target_link_libraries(cc_${name} PUBLIC ${below} PRIVATE ${F_LIBS} cc_options)
endfunction()

# After the last floor: the view of tests, and the table that the checks read.
macro(cc_floors_done)
  cc_view(all ${CC_ALL_FLOORS})
  file(CONFIGURE OUTPUT ${CC_VIEWS}/floors.txt CONTENT "${CC_FLOOR_TABLE}" @ONLY)
  set(CC_TESTED_FLOORS ${CC_FLOORS})
  list(REVERSE CC_TESTED_FLOORS)
  list(TRANSFORM CC_TESTED_FLOORS PREPEND cc_)
endmacro()

# The program: src/daemon/main.c on top of the daemon floor.
function(cc_daemon name)
  file(GLOB main CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/daemon/main.c)
  if(NOT main OR NOT TARGET cc_daemon)
    message(STATUS "program ${name}: src/daemon is not complete yet, left out")
    return()
  endif()
  add_executable(${name} ${main})
  target_include_directories(${name} PRIVATE ${CC_VIEWS}/daemon ${CC_GENERATED})
  add_dependencies(${name} cc_generated)
  target_link_libraries(${name} PRIVATE cc_daemon cc_options)
  install(TARGETS ${name} RUNTIME)
endfunction()

# All foreign libraries, for programs that are not bound to a door: tests and the bench.
add_library(cc_foreign INTERFACE)
target_link_libraries(cc_foreign INTERFACE PkgConfig::JANSSON PkgConfig::CRYPTO PkgConfig::HIREDIS
  PkgConfig::LIBPQ PkgConfig::MICROHTTPD PkgConfig::GNUTLS PkgConfig::LIBCONFIG PkgConfig::CURL PkgConfig::CARES PkgConfig::IDN
  PkgConfig::PSL PkgConfig::EXPAT PkgConfig::ARCHIVE Threads::Threads)

# Every C file of a folder becomes a program of its own; the target <group>-programs builds them all.
function(cc_programs group folder)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
  add_custom_target(${group}-programs)
  foreach(source IN LISTS sources)
    get_filename_component(program ${source} NAME_WE)
    set(target ${group}_${program})
    add_executable(${target} EXCLUDE_FROM_ALL ${source})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${program}
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    target_include_directories(${target} PRIVATE ${CC_VIEWS}/all ${CC_GENERATED} ${PROJECT_SOURCE_DIR})
    target_compile_options(${target} PRIVATE ${ARGN})
    target_link_options(${target} PRIVATE ${ARGN})
    target_link_libraries(${target} PRIVATE ${CC_TESTED_FLOORS} cc_foreign cc_options)
    add_dependencies(${target} cc_generated)
    add_dependencies(${group}-programs ${target})
  endforeach()
endfunction()
