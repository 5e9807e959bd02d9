# What `cmake --install` leaves: the program, its services with their user, the library in one piece
# with its headers and a pkg-config file, and the documentation. Configuration is the administrator's.
install(TARGETS sendoff RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})

foreach(role IN ITEMS router mobile guard)
  configure_file(packaging/sendoff.service.in packaging/sendoff-${role}.service @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/packaging/sendoff-${role}.service
    DESTINATION lib/systemd/system)
endforeach()
install(FILES packaging/sysusers.conf DESTINATION lib/sysusers.d
  RENAME sendoff.conf)

# One archive of all floors but app/. A build with sanitizers is not for installing.
if(NOT SENDOFF_SANITIZE)
  set(floors "")
  file(GLOB folders RELATIVE ${CMAKE_SOURCE_DIR}/src CONFIGURE_DEPENDS src/*)
  foreach(folder IN LISTS folders)
    if(TARGET sendoff_${folder})
      get_target_property(kind sendoff_${folder} TYPE)
      if(kind STREQUAL "STATIC_LIBRARY")
        list(APPEND floors $<TARGET_OBJECTS:sendoff_${folder}>)
      endif()
    endif()
  endforeach()
  add_library(sendoff_archive STATIC ${floors})
  set_target_properties(sendoff_archive PROPERTIES OUTPUT_NAME sendoff LINKER_LANGUAGE CXX)
  configure_file(packaging/sendoff.pc.in packaging/sendoff.pc @ONLY)
  install(TARGETS sendoff_archive ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${CMAKE_BINARY_DIR}/packaging/sendoff.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sendoff
    FILES_MATCHING PATTERN "*.h" PATTERN app EXCLUDE)
endif()

file(GLOB pages CONFIGURE_DEPENDS LICENSE *.md)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
