#include "lab/drawing.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace sendoff::lab {

namespace {

std::string attribute(std::string_view name, double value) {
  return " " + std::string(name) + "=\"" + fixed(value, 1) + "\"";
}

std::string style_of(std::string_view style) {
  return style.empty() ? "" : " class=\"" + std::string(style) + "\"";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string fixed(double value, int digits) {
  // No "-0.0".
  const double scale = std::pow(10, digits);
  if (std::round(value * scale) == 0) value = 0;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

Drawing::Drawing(double width, double height, std::string_view label) {
  out_ = "<svg viewBox=\"0 0 " + fixed(width, 0) + " " + fixed(height, 0) +
         "\" role=\"img\" aria-label=\"" + escaped(label) + "\">\n";
}

void Drawing::line(Point from, Point to, std::string_view style) {
  out_ += "<line" + attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) +
          attribute("y2", to.y) + style_of(style) + "/>\n";
}

void Drawing::arrow(Point from, Point to, std::string_view style) {
  constexpr double kHead = 8;
  line(from, to, style);
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  if (length <= 0) return;
  const Point along{(to.x - from.x) / length, (to.y - from.y) / length};
  const Point back{to.x - kHead * along.x, to.y - kHead * along.y};
  const Point aside{-along.y * kHead / 2.4, along.x * kHead / 2.4};
  out_ += "<path d=\"M" + fixed(to.x, 1) + " " + fixed(to.y, 1) + "L" + fixed(back.x + aside.x, 1) +
          " " + fixed(back.y + aside.y, 1) + "L" + fixed(back.x - aside.x, 1) + " " +
          fixed(back.y - aside.y, 1) + "Z\"" + style_of(std::string(style) + " head") + "/>\n";
}

void Drawing::box(Point corner, double width, double height, std::string_view style,
                  double radius) {
  out_ += "<rect" + attribute("x", corner.x) + attribute("y", corner.y) +
          attribute("width", width) + attribute("height", height) +
          (radius > 0 ? attribute("rx", radius) : "") + style_of(style) + "/>\n";
}

void Drawing::dot(Point centre, double radius, std::string_view style, std::string_view hint) {
  out_ += "<circle" + attribute("cx", centre.x) + attribute("cy", centre.y) +
          attribute("r", radius) + style_of(style);
  out_ += hint.empty() ? "/>\n" : "><title>" + escaped(hint) + "</title></circle>\n";
}

void Drawing::text(Point at, std::string_view words, std::string_view style) {
  out_ += "<text" + attribute("x", at.x) + attribute("y", at.y) + style_of(style) + ">" +
          escaped(words) + "</text>\n";
}

std::string Drawing::finish() && { return std::move(out_) + "</svg>\n"; }

double axis_step(double low, double high, int wanted) {
  const double rough = (high - low) / wanted;
  if (!(rough > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power) return factor * power;
  return 10 * power;
}

}  // namespace sendoff::lab
