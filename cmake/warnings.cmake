# SPDX-License-Identifier: Apache-2.0
# cc_options: what every file of ours is compiled and linked with.
# cc_tool_options: the same without sanitizers and coverage, for tools that run during the build.
include(CheckCCompilerFlag)
include(CheckCSourceRuns)
include(CheckLinkerFlag)
include(CheckPIESupported)
include(CheckIPOSupported)

check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(cc_tool_options INTERFACE)
add_library(cc_options INTERFACE)
target_link_libraries(cc_options INTERFACE cc_tool_options)

# Adds the flags that the compiler knows. Some are only understood behind others, which -Wall has.
function(cc_compile_flags target)
  set(CMAKE_REQUIRED_FLAGS -Wall)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "cc_knows${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      target_compile_options(${target} INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

function(cc_link_flags target)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "cc_links${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
      target_link_options(${target} INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

set(CMAKE_REQUIRED_QUIET ON)
target_compile_definitions(cc_tool_options INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
  CC_VERSION="${PROJECT_VERSION}")
cc_compile_flags(cc_tool_options
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wcast-qual -Wvla -Wswitch-enum -Wundef -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough
  -Wtrampolines -Wbidi-chars=any
  # Embedded texts are longer than the 4095 bytes that ISO C promises.
  -Wno-overlength-strings
  -Werror=int-conversion -Werror=incompatible-pointer-types -Werror=implicit -Werror=format-security)
if(CC_WERROR)
  target_compile_options(cc_tool_options INTERFACE -Werror)
endif()

# Correctness of code that relies on wrap-around or type punning by mistake is kept in every build.
cc_compile_flags(cc_tool_options -fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks)

if(CC_SANITIZE)
  set(sanitize -fsanitize=${CC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(cc_options INTERFACE ${sanitize})
  target_compile_definitions(cc_options INTERFACE CC_INSTRUMENTED)
  target_link_options(cc_options INTERFACE ${sanitize})
elseif(CC_FUZZ)
  set(sanitize -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
  target_compile_options(cc_options INTERFACE ${sanitize})
  target_link_options(cc_options INTERFACE ${sanitize})
elseif(CC_COVERAGE)
  target_compile_options(cc_options INTERFACE --coverage)
  target_link_options(cc_options INTERFACE --coverage)
endif()

# Hardening: everything that is optimised and carries no instrument.
set(CC_HARDENED OFF)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT CC_SANITIZE AND NOT CC_FUZZ AND NOT CC_COVERAGE)
  set(CC_HARDENED ON)
  target_compile_options(cc_tool_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  cc_compile_flags(cc_tool_options
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
    -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3)
  # gcc 12.2 clears the padding behind an array of five structs or more in the wrong place: in the array.
  set(CMAKE_REQUIRED_FLAGS -ftrivial-auto-var-init=zero)
  check_c_source_runs("
    struct list { struct { void *a, *b; } v[5]; int n; };
    struct outer { struct list in; };
    static struct list filled(struct list l) { struct outer o = { l }; return o.in; }
    int main(void)
    {
      struct list l, m;
      __builtin_memset(&l, 0x55, sizeof(l));
      m = filled(l);
      return __builtin_memcmp(l.v, m.v, sizeof(l.v)) != 0;
    }" cc_inits_automatic_variables)
  unset(CMAKE_REQUIRED_FLAGS)
  if(cc_inits_automatic_variables)
    target_compile_options(cc_tool_options INTERFACE -ftrivial-auto-var-init=zero)
  endif()
  cc_link_flags(cc_tool_options
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()

if(CC_LTO)
  check_ipo_supported(RESULT lto_works OUTPUT lto_why LANGUAGES C)
  if(lto_works)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  else()
    message(STATUS "link-time optimisation left out: ${lto_why}")
  endif()
endif()
