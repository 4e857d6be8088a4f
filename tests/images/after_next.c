/* The version after that: a third build id. */
extern const char image_name[];
const char image_name[] = "after_next";
