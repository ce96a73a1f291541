// Who raises a hand, how far away, and how much of the picture they fill: places, keypoints and masks.
//
// ros2 run bodypix_ros_example raised_hands    # beside ros2 launch bodypix_ros people.launch.py

#include <message_filters/subscriber.h>
#include <message_filters/time_synchronizer.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include <rclcpp/rclcpp.hpp>
#include <sensor_msgs/msg/image.hpp>
#include <vision_msgs/msg/detection2_d_array.hpp>
#include <vision_msgs/msg/detection3_d_array.hpp>

using sensor_msgs::msg::Image;
using vision_msgs::msg::Detection2D;
using vision_msgs::msg::Detection2DArray;
using vision_msgs::msg::Detection3DArray;

// Joins three topics of one image by their stamp, which is exactly the image's.
class RaisedHands : public rclcpp::Node
{
public:
  RaisedHands()
  : Node("raised_hands"),
    joined_(places_, keypoints_, mask_, 10)
  {
    const auto qos = rclcpp::SensorDataQoS().get_rmw_qos_profile();
    places_.subscribe(this, "persons_3d", qos);
    keypoints_.subscribe(this, "keypoints", qos);
    mask_.subscribe(this, "instance_mask", qos);
    joined_.registerCallback(&RaisedHands::on_people, this);
  }

private:
  void on_people(
    const Detection3DArray::ConstSharedPtr & places, const Detection2DArray::ConstSharedPtr & keypoints,
    const Image::ConstSharedPtr & mask)
  {
    for (const auto & place : places->detections) {
      // The k-th of keypoints is k + 1 in the mask; only who has a place is in persons_3d.
      const auto & people = keypoints->detections;
      const auto person = std::find_if(
        people.begin(), people.end(), [&](const Detection2D & one) {return one.id == place.id;});
      if (place.id.empty() || person == people.end()) {
        continue;
      }
      const auto value = static_cast<std::uint8_t>(person - people.begin() + 1);
      const auto pixels = std::count(mask->data.begin(), mask->data.end(), value);
      const auto & at = place.results.at(0).pose.pose.position;
      RCLCPP_INFO(
        get_logger(), "%s: %.2f m away, fills %.0f %% of the picture%s", place.id.c_str(),
        std::hypot(at.x, at.y, at.z), 100.0 * pixels / (mask->width * mask->height),
        raises_hand(*person) ? ", raises a hand" : "");
    }
  }

  static double height(const Detection2D & person, const std::string & name, double unknown)
  {
    for (const auto & result : person.results) {
      if (result.hypothesis.class_id == name && result.hypothesis.score > 0.3) {
        return result.pose.pose.position.y;
      }
    }
    return unknown;
  }

  static bool raises_hand(const Detection2D & person)
  {
    for (const std::string side : {"left", "right"}) {
      if (height(person, side + "_wrist", INFINITY) < height(person, side + "_shoulder", -INFINITY)) {
        return true;
      }
    }
    return false;
  }

  message_filters::Subscriber<Detection3DArray> places_;
  message_filters::Subscriber<Detection2DArray> keypoints_;
  message_filters::Subscriber<Image> mask_;
  message_filters::TimeSynchronizer<Detection3DArray, Detection2DArray, Image> joined_;
};

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<RaisedHands>());
  rclcpp::shutdown();
  return 0;
}
