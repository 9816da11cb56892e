# SPDX-License-Identifier: Apache-2.0
# Everything that is generated: typed query functions, embedded migrations, embedded text files.
# Sets CC_MODEL_GENERATED and CC_DAEMON_GENERATED.
function(cc_sql)
  set(out ${PROJECT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out}/cc/model)
  set(model "")
  set(daemon "")
  set(all "")

  file(GLOB tool CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/tools/*.c)
  if(tool)
    add_executable(sqlgen ${tool})
    target_link_libraries(sqlgen PRIVATE cc_tool_options)
    set_target_properties(sqlgen PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    foreach(db control region tenant)
      file(GLOB queries CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sql/${db}/*.sql)
      if(queries)
        add_custom_command(OUTPUT ${out}/q_${db}.c ${out}/cc/model/q_${db}.h
          COMMAND sqlgen queries --name ${db} --out-dir ${out} ${queries}
          DEPENDS sqlgen ${queries} COMMENT "queries of sql/${db}" VERBATIM)
        list(APPEND model ${out}/q_${db}.c)
        list(APPEND all ${out}/cc/model/q_${db}.h)
      endif()
      file(GLOB migrations CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/sql/${db}/migrations/*.sql)
      if(migrations)
        add_custom_command(OUTPUT ${out}/migrations_${db}.c
          COMMAND sqlgen migrations --name ${db} --out ${out}/migrations_${db}.c ${migrations}
          DEPENDS sqlgen ${migrations} COMMENT "migrations of sql/${db}" VERBATIM)
        list(APPEND model ${out}/migrations_${db}.c)
      endif()
    endforeach()
    cc_embed(daemon embedded_plans_conf config/plans.conf)
  else()
    message(STATUS "sqlgen: no source yet, nothing is generated")
  endif()
  add_custom_target(cc_generated DEPENDS ${all})
  set(CC_MODEL_GENERATED ${model} PARENT_SCOPE)
  set(CC_DAEMON_GENERATED ${daemon} PARENT_SCOPE)
endfunction()

# Embeds a text file as `symbol`; appends the C file to the list named first.
macro(cc_embed list symbol file)
  file(GLOB source CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  if(source)
    add_custom_command(OUTPUT ${out}/${symbol}.c
      COMMAND sqlgen embed --symbol ${symbol} --out ${out}/${symbol}.c ${source}
      DEPENDS sqlgen ${source} COMMENT "${file} as ${symbol}" VERBATIM)
    list(APPEND ${list} ${out}/${symbol}.c)
  endif()
endmacro()
