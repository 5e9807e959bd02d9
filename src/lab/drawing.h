// SVG by hand: what the report's pictures are put together from. Coordinates are in pixels of the
// picture's own size; texts are escaped here.
#pragma once

#include <string>
#include <string_view>

namespace sendoff::lab {

[[nodiscard]] std::string escaped(std::string_view text);  // for HTML and attributes
[[nodiscard]] std::string fixed(double value, int digits);

class Drawing {
 public:
  // `label` says what the picture shows to those who do not see it.
  Drawing(double width, double height, std::string_view label);

  struct Point {
    double x = 0;
    double y = 0;
  };
  // `style`: classes of the report's style sheet.
  void line(Point from, Point to, std::string_view style);
  void arrow(Point from, Point to, std::string_view style);  // with a head at `to`
  void box(Point corner, double width, double height, std::string_view style, double radius = 0);
  void dot(Point centre, double radius, std::string_view style, std::string_view hint = {});
  void text(Point at, std::string_view words, std::string_view style);

  [[nodiscard]] std::string finish() &&;

 private:
  std::string out_;
};

// Round numbers for an axis from `low` to `high`, about `wanted` of them: the distance between two.
[[nodiscard]] double axis_step(double low, double high, int wanted);

}  // namespace sendoff::lab
