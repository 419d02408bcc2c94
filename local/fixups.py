"""After a local deploy: applies through AWS's own interfaces what the emulator's CloudFormation leaves out.

That is: the routes, authorizers and cross-origin rules of HTTP APIs, WebSocket authorizers that always want a header,
time to live and point-in-time recovery of tables, encryption and lifecycle of buckets and reserved concurrency of
functions.
May be run again at any time; refuses any address that is not this machine's.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3

Json = dict[str, Any]

LOCAL = re.compile(r"https?://(127\.0\.0\.1|localhost|host\.docker\.internal)(:\d+)?/?$")
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"


class NotLocal(Exception):
    """The address is not this machine's."""


class UnknownFunction(Exception):
    """The template uses a CloudFormation function that is not understood here."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: its processed template and what its names stand for."""

    template: Json
    names: dict[str, Any]
    physical_ids: dict[str, str]

    def resources(self) -> Iterator[tuple[str, str, Json]]:
        """Type, physical id and resolved properties of every resource that was really made."""
        for logical_id, resource in self.template["Resources"].items():
            condition = resource.get("Condition")
            if logical_id in self.physical_ids and (condition is None or self.holds({"Condition": condition})):
                yield resource["Type"], self.physical_ids[logical_id], self.resolve(resource.get("Properties") or {})

    def resolve(self, node: Any) -> Any:
        """The node with every CloudFormation function replaced by its value; None where nothing is meant."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (name := next(iter(node))) and (name == "Ref" or name.startswith("Fn::")):
            return self.call(name, node[name])
        return {key: value for key, child in node.items() if (value := self.resolve(child)) is not None}

    def call(self, name: str, argument: Any) -> Any:
        """The value of one CloudFormation function."""
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self.reference,
            "Fn::GetAtt": self.attribute,
            "Fn::Sub": self.substitute,
            "Fn::If": lambda parts: self.resolve(parts[1] if self.holds({"Condition": parts[0]}) else parts[2]),
            "Fn::Join": lambda parts: self.resolve(parts[0]).join(map(str, self.resolve(parts[1]))),
            "Fn::Split": lambda parts: str(self.resolve(parts[1])).split(parts[0]),
            "Fn::Select": lambda parts: self.resolve(parts[1])[int(parts[0])],
        }
        if name not in functions:
            raise UnknownFunction(f"The template uses {name}, which local/fixups.py does not know: teach it there.")
        return functions[name](argument)

    def reference(self, name: str) -> Any:
        """The value of a parameter, else the physical id of a resource."""
        return self.names[name] if name in self.names else self.physical_ids.get(name, name)

    def attribute(self, path: str | list[str]) -> str:
        """An attribute of a resource: the Arn of a function; no other is looked at, so others stay as written."""
        logical_id, attribute = path.split(".", 1) if isinstance(path, str) else path
        kind = self.template["Resources"][logical_id]["Type"]
        if (kind, attribute) != ("AWS::Lambda::Function", "Arn"):
            return f"{logical_id}.{attribute}"
        region, account = self.names["AWS::Region"], self.names["AWS::AccountId"]
        return f"arn:aws:lambda:{region}:{account}:function:{self.physical_ids[logical_id]}"

    def substitute(self, argument: str | list[Any]) -> str:
        """The text with each ${Name} replaced."""
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in own:
                return str(own[name])
            return self.attribute(name) if "." in name else str(self.reference(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", value, text)

    def holds(self, condition: Json) -> bool:
        """Whether the condition is true."""
        ((name, argument),) = condition.items()
        conditions: dict[str, Callable[[Any], bool]] = {
            "Condition": lambda key: self.holds(self.template["Conditions"][key]),
            "Fn::Equals": lambda pair: str(self.resolve(pair[0])) == str(self.resolve(pair[1])),
            "Fn::Not": lambda parts: not self.holds(parts[0]),
            "Fn::And": lambda parts: all(map(self.holds, parts)),
            "Fn::Or": lambda parts: any(map(self.holds, parts)),
        }
        return conditions[name](argument)


def apply(stack: str, endpoint: str) -> list[str]:
    """Complete the deployed stack at the emulator's address; one line for each thing that was done.

    Raises NotLocal for any address that is not this machine's.
    """
    if not LOCAL.match(endpoint):
        raise NotLocal(f"{endpoint or 'No address'} is not this machine's; on AWS there is nothing to mend.")
    clients = connect(endpoint)
    return mend(read_stack(clients["cloudformation"], stack), clients)


def connect(endpoint: str) -> Json:
    """A client of each service that is needed, with the emulator's keys and never the user's own."""
    session: Any = boto3.Session("test", "test", region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    services = ("cloudformation", "dynamodb", "lambda", "apigatewayv2", "s3")
    return {service: session.client(service, endpoint_url=endpoint) for service in services}


def mend(stack: Stack, clients: Json) -> list[str]:
    """Mend every resource, several at a time."""
    with ThreadPoolExecutor(8) as threads:
        done = threads.map(lambda resource: mend_resource(clients, *resource), stack.resources())
        return [line for lines in done for line in lines]


def mend_resource(clients: Json, kind: str, physical_id: str, properties: Json) -> list[str]:
    """Mend one resource if it is of a kind that needs it."""
    if kind == "AWS::ApiGatewayV2::Api" and properties.get("ProtocolType", "HTTP") == "HTTP":
        return mend_api(clients["apigatewayv2"], physical_id, properties)
    if kind == "AWS::ApiGatewayV2::Authorizer":
        return ask_for_nothing(clients["apigatewayv2"], physical_id, properties)
    if kind == "AWS::DynamoDB::Table":
        return mend_table(clients["dynamodb"], physical_id, properties)
    if kind == "AWS::S3::Bucket":
        return mend_bucket(clients["s3"], physical_id, properties)
    if kind == "AWS::Lambda::Function":
        return reserve_concurrency(clients["lambda"], physical_id, properties)
    return []


def read_stack(client: Any, name: str) -> Stack:
    """Everything that CloudFormation knows of the stack."""
    template = client.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    made = client.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        template=json.loads(template) if isinstance(template, str) else template,
        names=known_names(stack),
        physical_ids={resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in made},
    )


def known_names(stack: Json) -> dict[str, Any]:
    """Parameters and pseudo parameters of the stack."""
    _, partition, _, region, account, _ = stack["StackId"].split(":", 5)
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])} | {
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::AccountId": account,
        "AWS::StackName": stack["StackName"],
        "AWS::StackId": stack["StackId"],
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NoValue": None,
    }


def mend_table(client: Any, name: str, properties: Json) -> list[str]:
    """Switch on time to live and point-in-time recovery where the template wants them."""
    done = []
    lifetime = properties.get("TimeToLiveSpecification") or {}
    if lifetime.get("Enabled") and not lives_for_a_time(client, name):
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=lifetime)
        done.append(f"{name}: time to live by {lifetime['AttributeName']}")
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    if recovery.get("PointInTimeRecoveryEnabled"):
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
        done.append(f"{name}: point-in-time recovery")
    return done


def lives_for_a_time(client: Any, table: str) -> bool:
    """Whether time to live is on already; asking for it again is an error."""
    description = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return bool(description.get("TimeToLiveStatus") == "ENABLED")


def mend_bucket(client: Any, name: str, properties: Json) -> list[str]:
    """Encrypt the bucket and let its objects expire as the template wants."""
    if rules := (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration"):
        named = [{"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]} for rule in rules]
        client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": named})
    if rules := (properties.get("LifecycleConfiguration") or {}).get("Rules"):
        client.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": list(map(lifecycle_rule, rules))}
        )
    return [f"{name}: encryption and lifecycle"]


def lifecycle_rule(written: Json) -> Json:
    """A rule as the API takes it, from one as the template writes it."""
    rule = {"ID": written["Id"], "Status": written["Status"], "Filter": {"Prefix": written.get("Prefix", "")}}
    if "ExpirationInDays" in written:
        rule["Expiration"] = {"Days": int(written["ExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in written:
        rule["AbortIncompleteMultipartUpload"] = written["AbortIncompleteMultipartUpload"]
    return rule


def reserve_concurrency(client: Any, function: str, properties: Json) -> list[str]:
    """Reserve the executions that the template wants."""
    wanted = properties.get("ReservedConcurrentExecutions")
    if wanted is None:
        return []
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=int(wanted))
    return [f"{function}: {wanted} executions reserved"]


def mend_api(client: Any, api: str, properties: Json) -> list[str]:
    """Make the routes of the API's document, and its cross-origin rules."""
    body = properties.get("Body") or {}
    allow_origins(client, api, body.get("x-amazon-apigateway-cors") or properties.get("CorsConfiguration") or {})
    authorizers = make_authorizers(client, api, body)
    routes = {key: operation for key, operation in operations(body)}
    integrations = make_integrations(client, api, routes.values())
    make_routes(
        client,
        api,
        {
            key: {"Target": f"integrations/{integrations[uri(operation)]}", **authorization(operation, authorizers)}
            for key, operation in routes.items()
        },
    )
    return [f"{properties.get('Name', api)}: {len(routes)} routes, {len(authorizers)} authorizers"]


def ask_for_nothing(client: Any, authorizer: str, properties: Json) -> list[str]:
    """Show an authorizer without identity source every caller; the emulator would want an Authorization header."""
    if properties.get("IdentitySource"):
        return []
    client.update_authorizer(ApiId=properties["ApiId"], AuthorizerId=authorizer, IdentitySource=[])
    return [f"{properties['Name']}: no identity source"]


def allow_origins(client: Any, api: str, rules: Json) -> None:
    """Store the cross-origin rules, if any, in the letter case that the emulator reads."""
    if rules:
        client.update_api(ApiId=api, CorsConfiguration={key[0].upper() + key[1:]: rule for key, rule in rules.items()})


def operations(body: Json) -> Iterator[tuple[str, Json]]:
    """Route key and operation of everything in the document that leads to a function."""
    for path, methods in (body.get("paths") or {}).items():
        for method, operation in methods.items():
            if INTEGRATION in operation:
                verb = "ANY" if method == ANY_METHOD else method.upper()
                yield ("$default" if path == "/$default" else f"{verb} {path}"), operation


def uri(operation: Json) -> str:
    """Address of the function that an operation leads to."""
    return str(operation[INTEGRATION]["uri"])


def authorization(operation: Json, authorizers: dict[str, str]) -> Json:
    """How a route of this operation is guarded."""
    guards = [authorizers[name] for entry in operation.get("security", []) for name in entry if name in authorizers]
    return {"AuthorizationType": "CUSTOM", "AuthorizerId": guards[0]} if guards else {"AuthorizationType": "NONE"}


def make_integrations(client: Any, api: str, wanted: Any) -> dict[str, str]:
    """Integration id of each function's address; made where missing."""
    made = {item.get("IntegrationUri"): item["IntegrationId"] for item in client.get_integrations(ApiId=api)["Items"]}
    for operation in wanted:
        if uri(operation) not in made:
            made[uri(operation)] = client.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=uri(operation), PayloadFormatVersion="2.0"
            )["IntegrationId"]
    return made


def make_authorizers(client: Any, api: str, body: Json) -> dict[str, str]:
    """Authorizer id of each security scheme; made or brought up to date."""
    made = {item["Name"]: item["AuthorizerId"] for item in client.get_authorizers(ApiId=api)["Items"]}
    schemes = (body.get("components") or {}).get("securitySchemes") or {}
    return {
        name: make_authorizer(client, made.get(name), authorizer_settings(api, name, scheme[AUTHORIZER]))
        for name, scheme in schemes.items()
        if scheme.get(AUTHORIZER, {}).get("type") == "request"
    }


def make_authorizer(client: Any, made: str | None, settings: Json) -> str:
    """Id of the authorizer with these settings."""
    answer = client.update_authorizer(AuthorizerId=made, **settings) if made else client.create_authorizer(**settings)
    return str(answer["AuthorizerId"])


def authorizer_settings(api: str, name: str, document: Json) -> Json:
    """An authorizer as the API takes it, from one as the document writes it."""
    return {
        "ApiId": api,
        "Name": name,
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": document["authorizerUri"],
        "AuthorizerPayloadFormatVersion": str(document.get("authorizerPayloadFormatVersion", "2.0")),
        "EnableSimpleResponses": bool(document.get("enableSimpleResponses")),
        "IdentitySource": identity_source(document.get("identitySource") or []),
        "AuthorizerResultTtlInSeconds": int(document.get("authorizerResultTtlInSeconds", 300)),
    }


def identity_source(written: str | list[str]) -> list[str]:
    """Where the caller's identity is read from; a document may separate them by commas."""
    return [part.strip() for part in written.split(",")] if isinstance(written, str) else written


def make_routes(client: Any, api: str, wanted: dict[str, Json]) -> None:
    """Leave the API with exactly the wanted routes."""
    made = {item["RouteKey"]: item["RouteId"] for item in client.get_routes(ApiId=api)["Items"]}
    for key, settings in wanted.items():
        if key in made:
            client.update_route(ApiId=api, RouteId=made[key], RouteKey=key, **settings)
        else:
            client.create_route(ApiId=api, RouteKey=key, **settings)
    for key in made.keys() - wanted.keys():
        client.delete_route(ApiId=api, RouteId=made[key])


def main(arguments: list[str]) -> None:
    """fixups.py STACK, with the emulator's address in AWS_ENDPOINT_URL."""
    if len(arguments) != 2:
        sys.exit("usage: AWS_ENDPOINT_URL=http://127.0.0.1:PORT fixups.py STACK")
    try:
        print("\n".join(apply(arguments[1], os.environ.get("AWS_ENDPOINT_URL", ""))) or "nothing to do")
    except NotLocal as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv)
