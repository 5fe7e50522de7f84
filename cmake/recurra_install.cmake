# What `cmake --install` puts where, and how others find it: find_package(recurra) and pkg-config.

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/recurra)

# Each kind has an export of its own, in which the library is called recurra::recurra; the config takes one.
foreach(kind IN LISTS RECURRA_KINDS)
  install(TARGETS recurra_${kind} EXPORT recurra_${kind} FILE_SET HEADERS)
  install(EXPORT recurra_${kind} NAMESPACE recurra:: DESTINATION ${package_folder})
endforeach()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/recurraConfig.cmake.in ${PROJECT_BINARY_DIR}/recurraConfig.cmake
                              INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/recurraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/recurraConfig.cmake ${PROJECT_BINARY_DIR}/recurraConfigVersion.cmake
        DESTINATION ${package_folder})

# The prefix is found from the place of the file, so that the tree may be moved.
file(RELATIVE_PATH prefix_from_file ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_file ${prefix_from_file})
cmake_path(APPEND package_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND package_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
set(public_packages "")
set(private_packages "")
if(NOT RECURRA_ENGINE_ONLY)
  set(public_packages "nlohmann_json >= ${nlohmann_json_VERSION}")
  set(private_packages zlib)
endif()
set(public_libraries "-L\${libdir} -lrecurra")
set(private_libraries -pthread)
# Who has nothing but the static library needs them without asking for --static.
if(NOT "shared" IN_LIST RECURRA_KINDS)
  string(APPEND public_packages " ${private_packages}")
  string(APPEND public_libraries " ${private_libraries}")
  set(private_packages "")
  set(private_libraries "")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/recurra.pc.in ${PROJECT_BINARY_DIR}/recurra.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/recurra.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET recurra_program)
  install(TARGETS recurra_program)
  if(RECURRA_KIND STREQUAL "shared")
    file(RELATIVE_PATH library_from_program ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(recurra_program PROPERTIES INSTALL_RPATH "$ORIGIN/${library_from_program}")
  endif()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
