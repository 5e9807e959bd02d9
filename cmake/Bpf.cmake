# sendoff_programs: the kernel programs of bpf/, compiled by clang and wrapped by bpftool into a
# header sendoff.skel.h that loads them. What is generated is not held to our warnings.
find_program(SENDOFF_BPF_CLANG NAMES clang-19 clang-14 clang REQUIRED)
find_program(SENDOFF_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf>=1.1)

set(bpf_object ${CMAKE_BINARY_DIR}/bpf/sendoff.bpf.o)
set(bpf_header ${CMAKE_BINARY_DIR}/bpf/sendoff.skel.h)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bpf)
# clang does not look where the compiler for this machine has asm/types.h.
set(bpf_machine_headers /usr/include/${CMAKE_CXX_LIBRARY_ARCHITECTURE})
add_custom_command(OUTPUT ${bpf_object}
  COMMAND ${SENDOFF_BPF_CLANG} -O2 -g -Wall -Werror -target bpf -I${bpf_machine_headers}
    -c ${CMAKE_SOURCE_DIR}/bpf/sendoff.bpf.c -o ${bpf_object}
  DEPENDS ${CMAKE_SOURCE_DIR}/bpf/sendoff.bpf.c ${CMAKE_SOURCE_DIR}/bpf/sendoff_maps.h
  VERBATIM)
add_custom_command(OUTPUT ${bpf_header}
  COMMAND ${SENDOFF_BPFTOOL} gen skeleton ${bpf_object} name sendoff_bpf > ${bpf_header}
  DEPENDS ${bpf_object})
add_custom_target(sendoff_programs_header DEPENDS ${bpf_header})
add_library(sendoff_programs INTERFACE)
target_include_directories(sendoff_programs SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/bpf
  ${CMAKE_SOURCE_DIR}/bpf)
target_link_libraries(sendoff_programs INTERFACE PkgConfig::LIBBPF)
add_dependencies(sendoff_programs sendoff_programs_header)
