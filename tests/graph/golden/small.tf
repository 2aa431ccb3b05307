terraform {
  required_version = ">= 1.4"
  required_providers {
    aws = {source = "hashicorp/aws", version = "~> 6.54"}
  }
}
output "subnets" {
  value = {nat = aws_subnet.nat_ap_northeast_1a.id, web = aws_subnet.web_ap_northeast_1a.id}
}
output "vpc_id" {
  value = aws_vpc.vpc.id
}
provider "aws" {
  default_tags {
    tags = {environment = "test", project = "twin-vpc"}
  }
  region = "ap-northeast-1"
}
resource "aws_cloudwatch_log_group" "flows" {
  name = "/twin-vpc/flows"
  retention_in_days = 30
  tags = {Name = "f"}
}
resource "aws_default_network_acl" "default" {
  default_network_acl_id = aws_vpc.vpc.default_network_acl_id
  tags = {Name = "default"}
}
resource "aws_default_route_table" "default" {
  default_route_table_id = aws_vpc.vpc.default_route_table_id
  route = []
  tags = {Name = "default"}
}
resource "aws_default_security_group" "default" {
  tags = {Name = "default"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_eip" "nat" {
  domain = "vpc"
  tags = {Name = "nat"}
}
resource "aws_flow_log" "flows" {
  iam_role_arn = aws_iam_role.flows.arn
  log_destination = aws_cloudwatch_log_group.flows.arn
  log_destination_type = "cloud-watch-logs"
  log_format = "$${version} $${action}"
  tags = {Name = "flows"}
  traffic_type = "ALL"
  vpc_id = aws_vpc.vpc.id
}
resource "aws_iam_role" "flows" {
  assume_role_policy = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"vpc-flow-logs.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}"
  tags = {Name = "flows"}
}
resource "aws_iam_role_policy" "flows" {
  policy = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"logs:PutLogEvents\"], \"Resource\": \"${aws_cloudwatch_log_group.flows.arn}:*\"}]}"
  role = aws_iam_role.flows.id
}
resource "aws_internet_gateway" "gateway" {
  tags = {Name = "gateway"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_nat_gateway" "nat" {
  allocation_id = aws_eip.nat.allocation_id
  depends_on = [aws_internet_gateway.gateway]
  subnet_id = aws_subnet.nat_ap_northeast_1a.id
  tags = {Name = "nat"}
}
resource "aws_network_acl" "web" {
  egress {
    action = "allow"
    cidr_block = "10.0.1.0/24"
    from_port = 0
    protocol = "-1"
    rule_no = 100
    to_port = 0
  }
  ingress {
    action = "allow"
    cidr_block = "10.0.1.0/24"
    from_port = 0
    protocol = "-1"
    rule_no = 100
    to_port = 0
  }
  subnet_ids = [aws_subnet.web_ap_northeast_1a.id, aws_subnet.nat_ap_northeast_1a.id]
  tags = {Name = "web"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_route" "nat_internet" {
  destination_cidr_block = "0.0.0.0/0"
  gateway_id = aws_internet_gateway.gateway.id
  route_table_id = aws_route_table.nat.id
}
resource "aws_route" "web_internet" {
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id = aws_nat_gateway.nat.id
  route_table_id = aws_route_table.web.id
}
resource "aws_route_table" "nat" {
  tags = {Name = "nat"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_route_table" "web" {
  tags = {Name = "web"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_route_table_association" "nat" {
  route_table_id = aws_route_table.nat.id
  subnet_id = aws_subnet.nat_ap_northeast_1a.id
}
resource "aws_route_table_association" "web" {
  route_table_id = aws_route_table.web.id
  subnet_id = aws_subnet.web_ap_northeast_1a.id
}
resource "aws_security_group" "web" {
  description = "segment web"
  tags = {Name = "web"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_subnet" "nat_ap_northeast_1a" {
  availability_zone = "ap-northeast-1a"
  cidr_block = "10.0.2.0/28"
  map_public_ip_on_launch = false
  tags = {Name = "nat"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_subnet" "web_ap_northeast_1a" {
  availability_zone = "ap-northeast-1a"
  cidr_block = "10.0.1.0/24"
  map_public_ip_on_launch = false
  tags = {Name = "web"}
  vpc_id = aws_vpc.vpc.id
}
resource "aws_vpc" "vpc" {
  cidr_block = "10.0.0.0/16"
  enable_dns_hostnames = true
  tags = {Name = "vpc"}
}
resource "aws_vpc_endpoint" "s3" {
  route_table_ids = [aws_route_table.web.id]
  service_name = "com.amazonaws.ap-northeast-1.s3"
  tags = {Name = "s3"}
  vpc_endpoint_type = "Gateway"
  vpc_id = aws_vpc.vpc.id
}
resource "aws_vpc_security_group_egress_rule" "web_web" {
  description = "inside web"
  from_port = 443
  ip_protocol = "tcp"
  referenced_security_group_id = aws_security_group.web.id
  security_group_id = aws_security_group.web.id
  tags = {Name = "web"}
  to_port = 443
}
resource "aws_vpc_security_group_ingress_rule" "nat_web" {
  cidr_ipv4 = "10.0.2.0/28"
  description = "web from where nat stands"
  ip_protocol = "-1"
  security_group_id = aws_security_group.web.id
}
resource "aws_vpc_security_group_ingress_rule" "web_web" {
  description = "inside web"
  from_port = 443
  ip_protocol = "tcp"
  referenced_security_group_id = aws_security_group.web.id
  security_group_id = aws_security_group.web.id
  tags = {Name = "web"}
  to_port = 443
}
