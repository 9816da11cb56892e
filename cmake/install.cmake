# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where, and the Debian package that cpack makes of the same.
include(GNUInstallDirs)
set(CC_SYSTEMD_DIR lib/systemd/system CACHE STRING "Folder of units, below the prefix")

install(FILES config/systemd/controlcored.service config/systemd/controlcored.socket
  config/systemd/controlcored-tls.socket DESTINATION ${CC_SYSTEMD_DIR})
# The unit names the program, which is below the prefix; a package's prefix is /usr, wherever it is put together.
install(CODE "
  if(NOT CMAKE_INSTALL_PREFIX MATCHES _CPack_Packages)
    set(file \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CC_SYSTEMD_DIR}/controlcored.service)
    file(READ \${file} unit)
    string(REPLACE /usr/bin/controlcored \${CMAKE_INSTALL_PREFIX}/bin/controlcored unit \"\${unit}\")
    file(WRITE \${file} \"\${unit}\")
  endif()
")
install(FILES config/systemd/controlcored.sysusers DESTINATION lib/sysusers.d RENAME controlcored.conf)
install(FILES docs/man/controlcored.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES docs/man/controlcored.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES config/controlcored.example.conf config/plans.conf README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Beside each other as here, so that links lead somewhere.
install(FILES config/controlcored.example.conf config/plans.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/config)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "openapi.json"
  PATTERN "docs/examples/*.sh" PATTERN "docs/proxies.sh" PATTERN "docs/walkthrough.lib.sh" PATTERN "docs/deploy/*" PATTERN "docs/deploy/*/*" PATTERN "docs/man/*")
# Of the system, whatever the prefix is. The package makes a role_secret and a user, so its settings name them: the daemon of
# the unit is told of a copy, and whoever runs a command beside it reads the same secret here. Debian's
# PostgreSQL lets roles of ours in by TCP alone: at its socket they would have to be users of the system.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/config/controlcored.example.conf)
file(READ config/controlcored.example.conf settings)
foreach(name role_secret_file user)
  string(REPLACE "# ${name} =" "${name} =" settings "${settings}")
endforeach()
string(REPLACE "conninfo = \"host=/run/postgresql " "conninfo = \"host=127.0.0.1 " settings "${settings}")
file(CONFIGURE OUTPUT installed/controlcored.conf CONTENT "${settings}" @ONLY)
# Settings that are there are somebody's.
install(CODE "
  set(conf ${CC_SYSCONFDIR}/controlcored/controlcored.conf)
  if(EXISTS \"\$ENV{DESTDIR}\${conf}\")
    message(STATUS \"Kept: \$ENV{DESTDIR}\${conf}\")
  else()
    file(INSTALL ${PROJECT_BINARY_DIR}/installed/controlcored.conf DESTINATION ${CC_SYSCONFDIR}/controlcored)
  endif()
")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "controlcored")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "publicsuffix, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql (>= 15), redis-server")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/postinst
  ${PROJECT_SOURCE_DIR}/cmake/debian/prerm ${PROJECT_SOURCE_DIR}/cmake/debian/postrm
  ${PROJECT_SOURCE_DIR}/cmake/debian/conffiles)
include(CPack)
