# sendoff_floor(NAME [TOGETHER] FLOORS folder... EXTERNAL target...): the static library sendoff_NAME from
# src/NAME/*.cpp. It may use the folders named and whatever those use; EXTERNAL libraries are its
# own affair. tools/layers checks the includes against the floors. TOGETHER compiles the files of a
# folder by the dozen, which takes a fraction of the time; their names may not collide.
function(sendoff_floor name)
  cmake_parse_arguments(floor "TOGETHER" "" "FLOORS;EXTERNAL" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS src/${name}/*.cpp)
  if(sources)
    add_library(sendoff_${name} STATIC ${sources})
    if(floor_TOGETHER)
      set_target_properties(sendoff_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    endif()
    set(visibility PUBLIC)
    target_link_libraries(sendoff_${name} PRIVATE ${floor_EXTERNAL})
  else()
    add_library(sendoff_${name} INTERFACE)
    set(visibility INTERFACE)
  endif()
  list(TRANSFORM floor_FLOORS PREPEND sendoff_)
  target_link_libraries(sendoff_${name} ${visibility} sendoff_flags ${floor_FLOORS})
endfunction()
