#include "apps/neurotrigger/data/track_model.h"

#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace thimble::neurotrigger {
namespace {

using std::numbers::pi;

struct Vec3 {
  double x, y, z;
};
Vec3 operator-(const Vec3& a, const Vec3& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
Vec3 operator+(const Vec3& a, const Vec3& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
Vec3 operator*(double s, const Vec3& a) {
  return {s * a.x, s * a.y, s * a.z};
}
double dot(const Vec3& a, const Vec3& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/// Where the track meets the (hyperbolic) wire surface of a super layer.
struct Crossing {
  bool exists = false;
  double angle = 0.0;  // crossing angle a, radians
  double r = 0.0, z = 0.0;
  double along = 0.0;  // 0 at the backward end of the wire, 1 at the forward end
};

/// Stereo wires sag towards the axis in the middle, so radius and z are found together by fixed-point iteration.
Crossing cross_surface(const SuperLayer& layer, double omega, double z0, double cot_theta) {
  Crossing c;
  const double half_twist = layer.twist * pi / layer.wires / 2.0;
  const double sag = std::sin(half_twist) * std::sin(half_twist);
  c.r = layer.radius;
  for (int round = 0; round < 8; ++round) {
    if (std::abs(c.r * omega / 2.0) >= 1.0) return c;
    c.angle = std::asin(c.r * omega / 2.0);
    const double length = omega == 0.0 ? c.r : 2.0 * c.angle / omega;
    c.z = z0 + length * cot_theta;
    c.along = (c.z - layer.z_backward) / (layer.z_forward - layer.z_backward);
    c.r = layer.radius * std::sqrt(std::max(0.0, 1.0 - 4.0 * c.along * (1.0 - c.along) * sag));
    if (layer.twist == 0) break;  // an axial surface is a cylinder: further rounds change nothing
  }
  c.exists = c.along > 0.0 && c.along < 1.0;
  return c;
}

/// Where the track crosses, in wires.
double wire_position(const SuperLayer& layer, const Crossing& c, double phi0) {
  const double twist = layer.twist * pi / layer.wires;
  const double turned = std::atan2(c.along * std::sin(twist), 1.0 - c.along + c.along * std::cos(twist));
  return (phi0 - c.angle - turned) * layer.wires / (2.0 * pi);
}

/// Distance of closest approach between the track's tangent at the crossing and wire `wire`.
double wire_distance(const SuperLayer& layer, const Crossing& c, double phi, double wire, double cot_theta) {
  const double begin = 2.0 * pi * wire / layer.wires;
  const double end = begin + layer.twist * pi / layer.wires;
  const Vec3 backward{layer.radius * std::cos(begin), layer.radius * std::sin(begin), layer.z_backward};
  const Vec3 forward{layer.radius * std::cos(end), layer.radius * std::sin(end), layer.z_forward};
  const Vec3 direction = forward - backward;
  const Vec3 point{c.r * std::cos(phi), c.r * std::sin(phi), c.z};
  const Vec3 tangent{std::cos(phi - c.angle), std::sin(phi - c.angle), cot_theta};
  const Vec3 normal = cross(tangent, direction);
  return std::abs(dot(point - (backward + c.along * direction), normal)) / std::sqrt(dot(normal, normal));
}

int drift_bin(double distance, double event_time) {
  const double bins = std::floor(distance / (kDriftVelocity * kTimeBin) - event_time);
  return static_cast<int>(std::clamp(bins, 0.0, static_cast<double>(kLastTimeBin)));
}

double crossing_angle(double radius, double omega) {
  return std::asin(std::clamp(radius * omega / 2.0, -1.0, 1.0));
}

/// Wire number against the position that the 2D track predicts, in (-wires/2, wires/2].
double relative_wire(const SuperLayer& layer, double wire, const Finder2D& finder) {
  const double reference = (finder.phi - crossing_angle(layer.radius, finder.omega)) * layer.wires / (2.0 * pi);
  const double difference = wire - reference;
  return difference - layer.wires * std::round(difference / layer.wires);
}

Hit find_hit(const SuperLayer& layer, const Track& track, double cot_theta, const Finder2D& finder,
             const TrackNoise& noise, const TrackNoise::Layer& own) {
  const Crossing c = cross_surface(layer, track.curvature(), track.z0, cot_theta);
  Hit hit;
  hit.r = c.r;
  hit.z = c.z;
  if (!c.exists) return hit;
  const double phi = track.phi0 - c.angle;
  const double position = wire_position(layer, c, track.phi0);
  const double wire = std::floor(position + 0.5);
  hit.exists = true;
  hit.wire = (static_cast<std::int64_t>(wire) % layer.wires + layer.wires) % layer.wires;
  hit.distance = std::abs(wire_distance(layer, c, phi, wire, cot_theta) + own.distance);
  hit.side = position > wire ? 1 : -1;
  hit.time = drift_bin(hit.distance, noise.event_time);
  hit.relative = relative_wire(layer, wire, finder);
  hit.used = !own.lost && hit.relative >= layer.low && hit.relative <= layer.high;
  return hit;
}

void disturb(Hit& hit, const TrackNoise::Layer& own) {
  if (own.noise) {
    hit.time = own.noise_time;
    hit.side = own.noise_side;
  }
  if (own.wrong_side) hit.side = -hit.side;
  if (own.unknown_side) hit.side = 0;
}

}  // namespace

Finder2D quantise_finder(double omega, double phi) {
  constexpr double step = kFieldConstant / kLowestPt / kCurvatureCells;
  const double cell = std::min(std::floor(std::abs(omega) / step + 0.5), static_cast<double>(kCurvatureCells));
  constexpr double azimuth = 2.0 * pi / kAzimuthCells;
  return {std::copysign(cell * step, omega), std::floor(phi / azimuth + 0.5) * azimuth};
}

int expert_of_pattern(unsigned used) {
  constexpr unsigned kAxial = 0b101010101u;
  return std::popcount(used & kAxial) < 4 ? -1 : expert_of_stereo(used);
}

unsigned hit_pattern(std::size_t super_layer, const Track& track, std::int64_t wire) {
  constexpr int kLayersAside = 2;
  constexpr std::array<int, 5> kFirstBit{0, 3, 5, 6, 8}, kWires{3, 2, 1, 2, 3};
  const SuperLayer& own = kChamber[super_layer];
  const double cot_theta = 1.0 / std::tan(track.theta);
  unsigned pattern = 0;
  for (int k = -kLayersAside; k <= kLayersAside; ++k) {
    const auto row = static_cast<std::size_t>(k + kLayersAside);
    SuperLayer layer = own;
    layer.radius += k * (own.radius2 - own.radius);
    const Crossing c = cross_surface(layer, track.curvature(), track.z0, cot_theta);
    if (!c.exists) continue;
    const double shift = k % 2 == 0 ? 0.0 : 0.5;  // of the wires, in cells
    const double nearest = std::floor(wire_position(layer, c, track.phi0) - shift + 0.5) + shift;
    const double aside = nearest - static_cast<double>(wire);
    const double turns = std::round(aside / layer.wires);
    const double index = aside - turns * layer.wires + (kWires[row] - 1) / 2.0;  // within the row of this layer
    if (index >= 0 && index < kWires[row]) pattern |= 1u << (kFirstBit[row] + static_cast<int>(index));
  }
  return pattern;
}

SimulatedTrack simulate_track(const Track& track, const TrackNoise& noise, bool patterns) {
  SimulatedTrack out;
  const double omega = track.curvature() + noise.finder_omega, phi = track.phi0 + noise.finder_phi;
  out.finder = noise.quantise_finder ? quantise_finder(omega, phi) : Finder2D{omega, phi};
  const double cot_theta = 1.0 / std::tan(track.theta);
  unsigned used = 0;
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    const SuperLayer& layer = kChamber[s];
    Hit& hit = out.hits[s];
    hit = find_hit(layer, track, cot_theta, out.finder, noise, noise.layers[s]);
    if (!hit.used) continue;
    disturb(hit, noise.layers[s]);
    used |= 1u << s;
    out.inputs[3 * s] = layer.scale * (hit.relative - layer.offset);
    out.inputs[3 * s + 1] = static_cast<double>(hit.side * hit.time) / kLastTimeBin;
    out.inputs[3 * s + 2] = crossing_angle(layer.radius, out.finder.omega) / 2.0;
    if (patterns) out.patterns[s] = hit_pattern(s, track, hit.wire) & ~noise.layers[s].lost_wires;
  }
  out.expert = expert_of_pattern(used);
  out.y_z = scale_z(track.z0);
  out.y_theta = scale_theta(track.theta * 180.0 / pi);
  return out;
}

}  // namespace thimble::neurotrigger
